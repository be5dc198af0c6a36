"""One module a dashboard: `page()` returns it. A module is named after the dataset it shows."""
