"""What is stored is what was forecast, once, and the panel shows it."""

assert (rows["lower"] <= rows["upper"]).all()
assert not stored().duplicated(["timestamp", "series"]).any()
assert len(stored()) >= len(rows)
columns = {name for result in results for name in result.names}
shown = {"forecast"} if publish_forecast.RATE in subject.series else {"stars, forecast"}
assert shown <= columns, columns
