package main

import (
	"maps"
	"net/http"
	"slices"
	"sync"
)

// cookies notes what a browser was given, to be sent along by the load.
type cookies struct {
	mutex  sync.Mutex
	byName map[string]*http.Cookie
}

// RoundTrip passes the request on.
func (c *cookies) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.byName == nil {
		c.byName = map[string]*http.Cookie{}
	}
	for _, one := range response.Cookies() {
		c.byName[one.Name] = one
	}
	return response, nil
}

func (c *cookies) list() []*http.Cookie {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Collect(maps.Values(c.byName))
}
