/* The upstream of the benchmark: a single-threaded HTTP/1.1 server on the loopback interface.
 *
 *   upstream PORT
 *
 * How it answers is told by the model's name, which survives any gateway in between:
 *
 *   bench-DIALECT-TOKENS-INTERVAL
 *
 * DIALECT is "token" (events like {"type":"token","token":"..."}) or "openai" (chat.completion.chunk objects, or one
 * whole chat.completion where no stream is asked for). INTERVAL is the time between two tokens in microseconds.
 * Every event is written by itself, as a model sends them. Each token holds one "~", and nothing else does, so that
 * the tokens of an answer can be counted in any dialect. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 4096
#define MAX_REQUEST 32768

typedef struct {
    int fd;
    char request[MAX_REQUEST];
    size_t length;
    int close_after;
    int token_dialect;
    long tokens;
    long sent;
    long long interval; /* ns */
    long long due;      /* when the next event is sent; 0 while nothing is streamed */
} Connection;

static Connection *connections[MAX_CONNECTIONS];
static int last_fd;
static int poller;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void drop(Connection *connection)
{
    close(connection->fd);
    connections[connection->fd] = NULL;
    free(connection);
}

/* Answers are far smaller than a socket's buffer: a client that does not take one is given up. */
static int send_all(Connection *connection, const char *data, size_t length)
{
    if (send(connection->fd, data, length, MSG_NOSIGNAL) == (ssize_t)length)
        return 1;
    drop(connection);
    return 0;
}

static size_t put_token(Connection *connection, char *event)
{
    if (connection->token_dialect)
        return sprintf(event, "data: {\"type\":\"token\",\"token\":\" ~word\"}\n\n");
    return sprintf(event,
                   "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                   "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{%s\"content\":\" ~word\"},"
                   "\"finish_reason\":null}]}\n\n",
                   connection->sent ? "" : "\"role\":\"assistant\",");
}

static size_t put_end(Connection *connection, char *event)
{
    if (connection->token_dialect)
        return sprintf(event, "data: {\"type\":\"done\"}\n\n");
    return sprintf(event,
                   "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                   "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                   "data: [DONE]\n\n");
}

/* Sends the next event, after `head` if there is one, and says when another is due. */
static void send_event(Connection *connection, const char *head)
{
    char event[1024], message[2048];
    int last = connection->sent == connection->tokens;
    size_t length = last ? put_end(connection, event) : put_token(connection, event);
    size_t total = sprintf(message, "%s%zx\r\n%.*s\r\n%s", head, length, (int)length, event, last ? "0\r\n\r\n" : "");
    if (!send_all(connection, message, total))
        return;
    connection->sent++;
    connection->due = last ? 0 : connection->due + connection->interval;
    if (last && connection->close_after)
        drop(connection);
}

static void start_stream(Connection *connection)
{
    char head[256];
    sprintf(head,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
            "Transfer-Encoding: chunked\r\n%s\r\n",
            connection->close_after ? "Connection: close\r\n" : "");
    connection->sent = 0;
    connection->due = now();
    send_event(connection, head);
}

static void send_whole(Connection *connection)
{
    static const char body[] =
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\","
        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\" ~word\"},"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3,\"total_tokens\":8}}";
    char message[1024];
    int total = sprintf(message, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s",
                        sizeof body - 1, connection->close_after ? "Connection: close\r\n" : "", body);
    if (send_all(connection, message, total) && connection->close_after)
        drop(connection);
}

static void answer(Connection *connection, const char *head, const char *body)
{
    char dialect[16] = "openai";
    const char *model = strstr(body, "\"bench-");
    connection->tokens = 1;
    connection->interval = 0;
    if (model)
        sscanf(model, "\"bench-%15[a-z]-%ld-%lld", dialect, &connection->tokens, &connection->interval);
    connection->interval *= 1000;
    connection->token_dialect = strcmp(dialect, "token") == 0;
    connection->close_after = strcasestr(head, "connection: close") != NULL;
    if (connection->token_dialect || strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true"))
        start_stream(connection);
    else
        send_whole(connection);
}

/* A request is whole once its body is; every client here says Content-Length. */
static void receive(Connection *connection)
{
    ssize_t count = recv(connection->fd, connection->request + connection->length,
                         MAX_REQUEST - 1 - connection->length, 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN)
            drop(connection);
        return;
    }
    connection->length += count;
    connection->request[connection->length] = 0;
    char *end = strstr(connection->request, "\r\n\r\n");
    if (!end)
        return;
    char *body = end + 4;
    char *field = strcasestr(connection->request, "content-length:");
    size_t expected = field && field < end ? strtoul(field + 15, NULL, 10) : 0;
    if (connection->length < (size_t)(body - connection->request) + expected)
        return;
    *end = 0;
    connection->length = 0;
    answer(connection, connection->request, body);
}

static void accept_all(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MAX_CONNECTIONS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connections[fd] = calloc(1, sizeof(Connection));
        connections[fd]->fd = fd;
        if (fd > last_fd)
            last_fd = fd;
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
    }
}

/* Sends what is due, and sets the timer to whatever is due next. */
static void send_due(int timer)
{
    long long next = 0, moment = now();
    for (int fd = 0; fd <= last_fd; fd++) {
        if (connections[fd] && connections[fd]->due && connections[fd]->due <= moment)
            send_event(connections[fd], "");
        if (connections[fd] && connections[fd]->due && (!next || connections[fd]->due < next))
            next = connections[fd]->due;
    }
    struct itimerspec alarm = {.it_value = {next / 1000000000LL, next % 1000000000LL}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &alarm, NULL);
}

static int listen_on(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, SOMAXCONN)) {
        perror("bind");
        exit(1);
    }
    return listener;
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: upstream PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on(atoi(arguments[1]));
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.fd = timer});
    for (;;) {
        struct epoll_event events[512];
        send_due(timer);
        int ready = epoll_wait(poller, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_all(listener);
            else if (fd != timer && connections[fd])
                receive(connections[fd]);
        }
    }
}
