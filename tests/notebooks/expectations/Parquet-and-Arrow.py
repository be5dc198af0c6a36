"""Every format and every reader gives the same."""

assert file.metadata.num_rows == rows == kept
assert len(answers) == 4
assert spread.max() < 1e-9
assert (before.sort_index() - after.sort_index()).abs().max() < 1e-9
assert stack.query("SELECT count() FROM tables() WHERE table_name = %s", [table]).iloc[0, 0] == 0
