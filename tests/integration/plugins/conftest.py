collect_ignore = ["almanac"]  # a package of others: its tests run in the environment that it is installed in
