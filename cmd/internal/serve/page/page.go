// Package page is the web page of tickring serve.
package page

import (
	"embed"
	"io/fs"
)

//go:embed index.html app.js style.css
var files embed.FS

// FS has index.html, app.js and style.css.
func FS() fs.FS { return files }
