"""`python -m examples.dbt FOLDER`: a dbt project in a folder of its own, its sources as the database describes them."""

import json
import shutil
import sys
from pathlib import Path

from pybridge.database import connect
from pybridge.reports import questions
from pybridge.reports.tables import Connection

PROJECT = Path(__file__).with_name("project")
COLUMNS = """
select a.attname, coalesce(col_description(a.attrelid, a.attnum), '')
from pg_attribute as a
where a.attrelid = to_regclass('report.' || quote_ident(%s)) and a.attnum > 0
order by a.attnum
"""


def sources(connection: Connection) -> str:
    """What dbt calls the views of schema report, with the COMMENTs of views and columns; JSON is YAML too."""
    tables = [
        {
            "name": view.name,
            "description": view.comment,
            "columns": [
                {"name": name, "description": comment}
                for name, comment in connection.execute(COLUMNS, [view.name]).fetchall()
            ],
        }
        for view in questions.views(connection).values()
    ]
    source = {
        "name": "report",
        "schema": "report",
        "description": "What analysts read",
        "tables": tables,
    }
    return json.dumps({"version": 2, "sources": [source]}, ensure_ascii=False, indent=2)


def main(folder: Path) -> None:
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    with connect(deployed=True) as connection:
        (folder / "models" / "report.yml").write_text(sources(connection), "utf-8")
    print(f"wrote {folder}; now: dbt build --project-dir {folder} --profiles-dir {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m examples.dbt FOLDER")
    main(Path(sys.argv[1]))
