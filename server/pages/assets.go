package pages

import (
	"crypto/sha256"
	_ "embed" // for the assets
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

// asset is a file that pages refer to. Its name says its content, so that it can
// be kept for ever and a new version is a new name.
type asset struct {
	name        string
	contentType string
	content     string
}

var (
	//go:embed assets/style.css
	styleCSS string

	//go:embed assets/icon.svg
	iconSVG string

	stylesheet = newAsset("style.css", "text/css; charset=utf-8", styleCSS)
	icon       = newAsset("icon.svg", "image/svg+xml", iconSVG)
)

func newAsset(file, contentType, content string) asset {
	sum := sha256.Sum256([]byte(content))
	ext := path.Ext(file)
	name := strings.TrimSuffix(file, ext) + "-" + hex.EncodeToString(sum[:8]) + ext
	return asset{name: name, contentType: contentType, content: content}
}

// Assets serves the stylesheet, the icon and the script by the last element of the path.
func Assets() http.Handler {
	assets := map[string]asset{stylesheet.name: stylesheet, icon.name: icon, submitScript.name: submitScript}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		a, ok := assets[path.Base(r.URL.Path)]
		if !ok {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Content-Security-Policy", "default-src 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("ETag", `"`+a.name+`"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(a.content))
	})
}
