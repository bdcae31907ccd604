package clientdocument

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// fetch gets the document at the address and parses it. Its errors, and what is
// logged, have the address without its query, which may hold something, and
// nothing of the document.
func fetch[T any](f *Fetcher, address string, parse func([]byte) (T, error)) (answer T, fresh time.Duration, err error) {
	text, fresh, err := f.get(address)
	if err == nil {
		answer, err = parse(text)
	}
	if err != nil {
		where, _, _ := strings.Cut(address, "?")
		f.options.Log.Info("A document of a client could not be had.", "address", where, "problem", err.Error())
		return answer, 0, fmt.Errorf("clientdocument: %s: %w", where, err)
	}
	return answer, fresh, nil
}

// get returns what is at the address, and for how long that is fresh.
func (f *Fetcher) get(address string) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, 0, errors.New("the address cannot be read")
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	r.Header.Set("User-Agent", "oauth-operator")
	response, err := f.options.Client.Do(r)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err // it has the query
		}
		return nil, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK { // a redirect among others
		return nil, 0, fmt.Errorf("the answer has the status %d, not 200", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, MaxBytes+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("the answer broke off: %w", err)
	case len(text) > MaxBytes:
		return nil, 0, fmt.Errorf("the answer is longer than %d bytes", MaxBytes)
	}
	return text, freshness(response.Header), nil
}

// freshness returns for how long an answer with the header is fresh (RFC 9111
// §4.2.1), within our bounds.
func freshness(header http.Header) time.Duration {
	fresh := Fresh
	for _, line := range header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return MinFresh
			case "max-age":
				fresh = seconds(strings.Trim(value, `"`)) - seconds(header.Get("Age"))
			}
		}
	}
	return min(max(fresh, MinFresh), MaxFresh)
}

// seconds reads delta-seconds (RFC 9111 §1.2.2). What is none is no time.
func seconds(text string) time.Duration {
	n, err := strconv.ParseInt(text, 10, 32)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt32 * time.Second
	}
	return time.Duration(n) * time.Second
}
