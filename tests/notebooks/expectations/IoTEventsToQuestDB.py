"""Sent is stored, once."""

assert sent == total
assert stored() == total + 1
assert len(last) == min(devices, total) + 1
assert requests.median() > 0
