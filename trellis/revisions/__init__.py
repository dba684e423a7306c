"""The git repository as a store of programs: which one an environment runs, read and merged without a checkout."""
