"""What is in modules/ runs in the notebooks' virtual environment: see test_forecasting.py."""

collect_ignore = ["modules"]
