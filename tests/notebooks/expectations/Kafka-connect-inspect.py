"""The lag grew and went, rows and dead letter came, and nothing is left that alarms anybody."""

assert unsent == 0
assert max(entry["lag"] for entry in history) > readings
assert stored() == readings
assert reasons.value.str.contains("yesterday").any()
assert plan["connector"]["state"] == "RESTARTING"
# Connect tells the new states a moment after it has answered the restart.
assert stack.until(all_run, "all connectors and tasks running after the restart")
assert stack.tail("iot_data_dlq", 10) == [] or first != before
