"use strict";

// Tables: a heading's button sorts by its column, numbers by their value, and turns the order when pressed again.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.firstElementChild.addEventListener("click", () => {
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    const worth = row => {
      const value = row.cells[column].dataset.value;
      return value === undefined ? row.cells[column].textContent : Number(value);
    };
    const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
    const rows = [...table.tBodies[0].rows].sort((a, b) => (ascending ? 1 : -1) * compare(worth(a), worth(b)));
    table.tBodies[0].append(...rows);
    for (const other of headings) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  }));
}

for (const viewer of document.querySelectorAll(".viewer")) attachViewer(viewer);
