"""Sent is stored; candles, books and costs are there."""

assert stored() == sent == total
assert len(candles) > 0
assert (candles.high >= candles.low).all()
assert (book.ask > book.bid).all()
assert cost.basis_points.max() > 0
assert correlation.shape[0] > 1
