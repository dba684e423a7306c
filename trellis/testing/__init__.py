"""The kit for the tests of stacks and plugins, and of Trellis itself."""

from trellis.testing.golden import assert_golden
from trellis.testing.host_double import HostDouble
from trellis.testing.keeping import Keeping
from trellis.testing.planning import plan, shown

__all__ = ["HostDouble", "Keeping", "assert_golden", "plan", "shown"]
