"""The kit for the tests of stacks and plugins, and of Trellis itself."""
