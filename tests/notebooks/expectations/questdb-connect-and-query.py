"""Refused is what was to be refused; rows that were sent twice are stored once; table and view agree."""

assert "permission denied" in refusal
assert stored == 60
assert latest.type.is_unique
assert abs(totals["table"] - totals["view"]) <= max(50, totals["table"] // 5), totals
assert set(counts.type) <= set(wanted)
assert (types.timestamp.min() - pd.Timestamp(0, tz="UTC")) % pd.Timedelta(seconds=width) == pd.Timedelta(0)
