"""Eight short articles in our own words, enough to answer, follow up, refuse and change."""

from __future__ import annotations

from pathlib import Path

HELP = "https://clockify.me/help/"

ARTICLES = {
    "lock-timesheets": (
        "Lock timesheets",
        """A locked day cannot be edited by anybody but admins.

## How to lock timesheets

1. Open **Workspace settings**.
2. Choose **Permissions**.
3. Switch on **Lock entries** and pick a date.

## Lock timesheets automatically

Pick weekly or monthly under **Update the lock date** and the date moves on by itself.
""",
    ),
    "track-time": (
        "Track time",
        """You can record hours while you work or write them down later.

## Track time with the timer

1. Type what you are working on.
2. Click **Start**.
3. Click **Stop** when you are done.

## Add time by hand

Switch to manual mode, enter the start and the end, and click **Add**.
""",
    ),
    "tags": (
        "Tags",
        """Tags group entries across projects, for example by place of work.

## Create a tag

Open **Tags** in the menu, type a name and press Enter. Only managers may delete a tag.
""",
    ),
    "hourly-rates": (
        "Hourly rates",
        """A billable rate says what a client pays for one hour.

## Which rate counts

| Level | Wins over |
|---|---|
| Task | Project |
| Project | Member |
| Member | Workspace |
""",
    ),
    "time-off": (
        "Time off",
        """Vacation days are requested in Clockify and approved by a manager.

## Request vacation

Open **Time off**, click **Request**, choose the days and send it.
""",
    ),
    "kiosk": (
        "Kiosk",
        """A kiosk is one shared tablet on which a whole crew clocks in.

## Clock in at a kiosk

Tap your name, enter your four-digit PIN and tap **In**.
""",
    ),
    "export-reports": (
        "Export reports",
        """Every report can leave Clockify as a file.

## Export a report

Open the report, click **Export** and choose PDF, CSV or Excel.
""",
    ),
    "user-roles": (
        "User roles",
        """Owners, admins, managers and members see different things.

## What an admin may do

Admins invite people, change roles and see every timesheet of the workspace.
""",
    ),
}


def write_articles(folder: Path, *names: str) -> Path:
    """Write some of the articles, or all, as a folder of Markdown with front matter."""
    folder.mkdir(parents=True)
    for name in names or ARTICLES:
        write_article(folder, name)
    return folder


def write_article(folder: Path, name: str, body: str = "") -> None:
    """Write one article, with its own body or another."""
    title, own = ARTICLES[name]
    text = f"---\ntitle: {title}\nurl: {HELP}{name}\n---\n\n{body or own}"
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
