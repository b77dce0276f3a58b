// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Program is what runs in the containers of the tests. It has the standard library alone, so
// that it is small and static, and its arguments say how it behaves:
//
//	serve [PORT]              answers HTTP on the port (default 8080); on SIGTERM it answers what
//	                          it has begun, and ends
//	request URL               asks for the URL all the time, on a connection of its own each time;
//	                          writes each failure, and on SIGTERM "N requests, M failed"
//	sleep                     does nothing until SIGTERM
//	ignore-term               does nothing, and does not end on SIGTERM
//	exit CODE [AFTER] [TEXT]  writes the text on standard output and standard error, and ends
//	                          with the code after that time ("100ms"); $NAME in the text is
//	                          the value of that environment variable
//	hog AFTER                 after that time it takes memory without end
//	print NAME…               writes those of these environment variables that are set, then sleeps
//	health [TEXT]             a probe that succeeds
//	health-fail [TEXT]        a probe that fails
//	health-file PATH          a probe that succeeds when the file is there
//
// With ANNOUNCE in its environment it writes that first, as soon as it listens to signals.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"sleep"}
	}
	// As process 1 the program has no default action for SIGTERM: it must ask for it.
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM, syscall.SIGINT)
	if text := os.Getenv("ANNOUNCE"); text != "" {
		fmt.Println(text)
	}

	switch command, args := args[0], args[1:]; command {
	case "serve":
		serve(argument(args, 0, "8080"), terminate)
	case "request":
		request(argument(args, 0, ""), terminate)
	case "sleep":
		<-terminate
	case "need":
		need(argument(args, 0, "/needed"))
		<-terminate
	case "ignore-term":
		select {}
	case "exit":
		exit(args, terminate)
	case "hog":
		hog(argument(args, 0, "0s"))
	case "print":
		var set []string
		for _, name := range args {
			if value, ok := os.LookupEnv(name); ok {
				set = append(set, name+"="+value)
			}
		}
		fmt.Println(strings.Join(set, " "))
		<-terminate
	case "health":
		fmt.Println(argument(args, 0, "ok"))
	case "health-fail":
		fmt.Println(argument(args, 0, "not ok"))
		os.Exit(1)
	case "health-file":
		if _, err := os.Stat(argument(args, 0, "/healthy")); err != nil {
			fatal(err)
		}
	default:
		fatal(fmt.Errorf("unknown command %q", command))
	}
}

func serve(port string, terminate <-chan os.Signal) {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "hello")
	})
	server := &http.Server{Addr: ":" + port, Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			fatal(err)
		}
	}()
	<-terminate
	if err := server.Shutdown(context.Background()); err != nil {
		fatal(err)
	}
}

func request(url string, terminate <-chan os.Signal) {
	// A name can have several addresses: as most clients, it tries the next one.
	dialer := &net.Dialer{Timeout: 4 * time.Second}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}}
	all, failed := 0, 0
	for {
		select {
		case <-terminate:
			fmt.Printf("%d requests, %d failed\n", all, failed)
			return
		default:
		}
		all++
		answer, err := client.Get(url)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
			err = errors.Join(err, answer.Body.Close())
		}
		switch {
		case err != nil:
			failed++
			fmt.Printf("request %d: %v\n", all, err)
		case all == 1:
			fmt.Println("first answer")
		}
	}
}

// need ends the program after a moment if a file is not there.
func need(path string) {
	if _, err := os.Stat(path); err != nil {
		time.Sleep(time.Second)
		fatal(err)
	}
}

// hog takes memory until the kernel ends that.
func hog(text string) {
	after, err := time.ParseDuration(text)
	if err != nil {
		fatal(err)
	}
	fmt.Println("taking memory")
	time.Sleep(after)
	for taken := [][]byte{}; ; {
		page := make([]byte, 1<<20)
		for i := range page {
			page[i] = 1
		}
		taken = append(taken, page)
	}
}

func exit(args []string, terminate <-chan os.Signal) {
	code, err := strconv.Atoi(argument(args, 0, "0"))
	if err != nil {
		fatal(err)
	}
	after, err := time.ParseDuration(argument(args, 1, "0s"))
	if err != nil {
		fatal(err)
	}
	if text := os.ExpandEnv(strings.Join(args[min(2, len(args)):], " ")); text != "" {
		fmt.Println(text)
		fmt.Fprintln(os.Stderr, text)
	}
	select {
	case <-time.After(after):
	case <-terminate:
	}
	os.Exit(code)
}

func argument(args []string, i int, otherwise string) string {
	if i < len(args) {
		return args[i]
	}
	return otherwise
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
