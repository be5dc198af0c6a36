"""Sent is stored; a flight has the weather of its own hour and airport."""

assert stored() - before == sent == total
assert len(joined) > total / 2
assert same > 0.9
assert (joined.observed <= joined.scheduled).mean() > 0.99
assert len(places) > 20
assert hours.delay.notna().all()
