"""The addresses of the repository and of the site: the clone command, links to sources, issues about a claim.

`[project.urls]` in pyproject.toml contains both addresses: `Repository`, and `Documentation` for the site. docs/conf.py
reads them as `repro_repository` and `html_baseurl`. Without an address, a page has no link and no clone command; it
says that the project is where the reader found the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from repro.errors import BadInput
from repro.report.html.markup import Markup, copyable, join, tag

ADDRESS = re.compile(r"https?://[\w.:-]+(/[\w.~+-]+)+")
SETTING = "docs/conf.py: repro_repository"
EXPECTED = "https://HOST/OWNER/NAME, as in [project.urls] Repository of pyproject.toml"


@dataclass(frozen=True)
class Site:
    """The address of the repository and that of the site. Each is "" if it is not set."""

    repository: str = ""
    home: str = ""


NOWHERE = Site()


def site(repository: str, home: str) -> Site:
    """Both addresses without a `/` at the end. Raises BadInput if that of the repository is not a web address.

    >>> site("https://github.com/ada/papers.git/", "https://ada.github.io/papers/")
    Site(repository='https://github.com/ada/papers', home='https://ada.github.io/papers')
    """
    address = repository.strip().rstrip("/").removesuffix(".git")
    if address and not ADDRESS.fullmatch(address):
        raise BadInput(f"the address of the repository is {repository!r:.120}", SETTING, expected=EXPECTED)
    return Site(address, home.strip().rstrip("/"))


def clone(found: Site) -> list[str]:
    """The commands that download the repository into the folder `repro`. Empty if the repository is not set."""
    return [f"git clone {found.repository} repro", "cd repro"] if found.repository else []


NEEDED = "You need Python 3.11, git and make."
INSTALL = "make venv && source .venv/bin/activate"


def begin(found: Site) -> Markup:
    """How a newcomer installs the project: where it is, and the commands."""
    return join([tag("p", NEEDED, *way(found)), copyable("\n".join([*clone(found), INSTALL]))])


def way(found: Site) -> list[str]:
    """Where the project is, if the site does not know the address of its repository."""
    if found.repository:
        return []
    return [" Get the project from where you found this page (a repository or an archive), and open its folder:"]


def folder(found: Site, name: str, commit: str = "HEAD") -> str:
    """The address of a paper's folder in the repository, at a commit; "" if the repository is not set."""
    return f"{found.repository}/tree/{commit}/papers/{name}" if found.repository else ""


def commit(found: Site, name: str) -> str:
    """The address of a commit; "" if the repository is not set."""
    return f"{found.repository}/commit/{name}" if found.repository else ""


def text(found: Site) -> str:
    """The address of the text of a page in docs/, with `{filename}` for its path. "" if the repository is not set."""
    return f"{found.repository}/blob/HEAD/docs/{{filename}}" if found.repository else ""


def issue(found: Site, title: str, body: str) -> str:
    """The address that opens a new issue with this title and text. "" if the repository is not set.

    >>> issue(Site("https://github.com/ada/papers"), "Claim: a/b", "50 %")
    'https://github.com/ada/papers/issues/new?title=Claim%3A+a%2Fb&body=50+%25'
    """
    if not found.repository:
        return ""
    if "gitlab" in str(urlsplit(found.repository).hostname):
        return f"{found.repository}/-/issues/new?{urlencode({'issue[title]': title, 'issue[description]': body})}"
    return f"{found.repository}/issues/new?{urlencode({'title': title, 'body': body})}"
