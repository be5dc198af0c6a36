"""Sent is stored; tags are columns, machines stand still and run again."""

assert stored() == sent == total
assert wide[list(numbers)].notna().any().all()
assert recipes.readings.sum() > 0
assert len(down) > 0
assert set(states.state) <= {"running", "idle", "down"}
assert (states.until >= states.timestamp).all()
