// Package page is the web page of tickring serve: what a browser loads from the server. It
// asks the server's API each second, from its own origin only, and works as it stands here:
// nothing is built from it.
//
// app.js begins; state.js has what the user chose, lists.js and table.js the tables,
// detail.js what was opened, curves.js and heat.js the pictures.
package page

import (
	"embed"
	"io/fs"
)

//go:embed *.html *.js *.css *.svg
var files embed.FS

// FS has index.html, which is for the path /, and what it loads from static/.
func FS() fs.FS { return files }
