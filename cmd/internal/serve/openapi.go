package serve

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

func description(_ *Server, w http.ResponseWriter, r *http.Request) {
	newBody("application/json", openAPI).write(w, r, http.StatusOK)
}
