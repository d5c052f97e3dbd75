"""The browser tests; a package, so that its server and browser end before other tests begin."""
