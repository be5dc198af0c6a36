"""Everything that is expected of the stack of `make up` holds with SECURITY=on."""

from __future__ import annotations

import pytest
from end_to_end import test_pipeline as shipped

pytestmark = pytest.mark.thorough

# Each of these takes the fixture `stack`, which is another one here.
globals().update({name: test for name, test in vars(shipped).items() if name.startswith("test_")})
