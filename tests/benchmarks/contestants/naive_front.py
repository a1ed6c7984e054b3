"""The naive design's front: every run of the page calls the core itself and waits for the answer."""

import os
import time

import boto3
import pandas as pd
import requests
import streamlit as st

CORE = os.environ["CORE_URL"]

st.title("Submit")
ec2 = boto3.client("ec2", region_name="ap-northeast-1", aws_access_key_id="x", aws_secret_access_key="x")
st.write("Core:", requests.get(f"{CORE}/health", timeout=5).json()["status"])
if st.button("Wake"):
    ec2.start_instances(InstanceIds=[os.environ["CORE_INSTANCE_ID"]])
user, text = st.text_input("Your name", "sato"), st.text_input("Text")
if st.button("Start"):
    order = {"job": "echo", "params": {"text": text}, "username": user}
    st.session_state["task"] = requests.post(f"{CORE}/start_task", json=order, timeout=5).json()["task_id"]
if "task" in st.session_state:
    status = requests.get(f"{CORE}/task_status/{st.session_state['task']}", timeout=5).json()
    st.dataframe(pd.DataFrame([status]))
time.sleep(2)
st.rerun()
