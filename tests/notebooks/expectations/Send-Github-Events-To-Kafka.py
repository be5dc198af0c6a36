"""All that was new was sent and acknowledged, page 1 of the first round as well, and is one row each."""

assert again == []
assert len(new) == len(found) > 0
assert left == 0
assert table.error.isna().all(), table.error.value_counts()
assert (table.fetched == table.fresh + table.duplicate).all()
assert table.fresh[0] > 0, "page 1 was seen before anything was sent"
assert len(sent) > 0
assert len(stored()) == 1
