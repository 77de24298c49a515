"""The outline of the page of a paper, as MyST text: its headings, and the directive below each."""

WRITTEN = "<!-- Written by repro.report"
TEXT = """\
{written} from papers/{name}/: change it there. -->
# {title}

```{{cite}} {name}
```

```{{answer}} {name}
```

```{{outcome}} {name}
```

```{{basis}} {name}
```

```{{headlines}} {name}
```

```{{facts}} {name}
```

```{{abstract}} {name}
```

{gaps}## Claims

```{{figure-claims}} {name}
```

```{{claims}} {name}
```

{shown}## Reproduce it

```{{commands}} {name}
```

```{{rot}} {name}
```

## How it differs, and why

```{{ledger}} {name}
```

{report}

## What was hard

{tips}

{reviews}## Implementation details

```{{implementation}} {name}
```

## Where the numbers come from

```{{origin}} {name}
```

## Cite

```{{bibtex}} {name}
```

## People

```{{people}} {name}
```
"""
