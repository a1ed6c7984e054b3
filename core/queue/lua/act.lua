-- start -> 1 while draining; otherwise 0, and the act is noted
if draining(ARGV[1]) then return 1 end
act()
return 0
