"""One module a dataset: `records(start_us, rate, seed)` yields its records, the n-th of them n / rate seconds after the start."""
