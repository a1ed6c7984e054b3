"""From a file in the jobs package to a job, or to a sentence about why it is none."""
