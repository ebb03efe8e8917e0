"""Charts: options for ECharts out of plain data, and their drawing to SVG and PNG without a browser."""
