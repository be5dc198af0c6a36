"""Counts agree with each other; messages are read to the last."""

assert size.events[0] > 0
assert size.ids[0] <= size.events[0]
assert activity["events"].sum() == len(events)
assert len(arrivals) == len(found) > 0
assert 0 <= coverage <= 1
# The first slice is complete: its time is a multiple of the width.
assert (types.timestamp.min() - pd.Timestamp(0, tz="UTC")) % pd.Timedelta(seconds=width) == pd.Timedelta(0)
