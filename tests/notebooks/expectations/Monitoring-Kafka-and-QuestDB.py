"""No rate is negative, and nothing in this stack is ill."""

assert (rows["rate"] >= 0).all()
assert list(proof.sort_values("timestamp")["rate"]) == [6.0, 3.0]
assert (lag.fillna(0) >= 0).all(axis=None)
assert (collected["rate"] >= 0).all()
assert heap["percent"].between(0, 100).all()
assert not wal["suspended"].any()
assert set(views["view_status"]) <= {"valid", "refreshing"}
assert len(views) > 0
