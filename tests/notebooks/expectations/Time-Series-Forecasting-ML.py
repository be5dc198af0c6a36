"""Every model is compared, intervals and errors are there, and the verdict says something."""

assert set(table.index) == set(contenders)
assert table.dropna()["coverage"].between(0, 1).all()
assert table["worst"].ge(table["best"]).all()
assert result.errors.shape == (horizon, len(contenders))
assert any(word in result.verdict() for word in ("beats", "worse", "can't be told"))
assert not len(own) or coming[["lower", "upper"]].notna().all(axis=None)
