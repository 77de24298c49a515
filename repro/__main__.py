"""`python -m repro` is `repro`."""

from repro.cli import main

raise SystemExit(main())
