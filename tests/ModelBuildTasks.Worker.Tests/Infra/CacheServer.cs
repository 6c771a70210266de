using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>A remote cache in this process: keeps what is PUT, serves what is there, and lies as a test says.</summary>
internal sealed class CacheServer : IDisposable
{
    private readonly HttpListener listener;
    private readonly string path = $"/{Guid.NewGuid():N}/";

    internal CacheServer()
    {
        (listener, int port) = Listen();
        Authority = $"127.0.0.1:{port}";
        _ = Task.Run(Serve);
    }

    /// <summary>Bodies by <c>ac/…</c> and <c>cas/…</c>.</summary>
    internal ConcurrentDictionary<string, byte[]> Blobs { get; } = new();

    /// <summary>Method and path of each request.</summary>
    internal ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Answers a request in place of the server; returns whether it did.</summary>
    internal Func<HttpListenerContext, bool> Intercept { get; set; } = _ => false;

    internal string Url => $"http://{Authority}{path}";

    internal string Authority { get; }

    internal string Path => path;

    /// <summary>The first key that something was stored under.</summary>
    internal string Key => Requests.First(request => request.StartsWith("PUT ac/", StringComparison.Ordinal))["PUT ac/".Length..];

    public void Dispose() => listener.Close();

    /// <summary>Answers requests of one method with a status.</summary>
    internal void Refuse(string method, int status) => Intercept = context =>
    {
        if (context.Request.HttpMethod != method)
        {
            return false;
        }

        context.Response.StatusCode = status;
        context.Response.Close();
        return true;
    };

    /// <summary>A port that nobody listens on, most likely.</summary>
    internal static int FreePort()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static (HttpListener Listener, int Port) Listen()
    {
        for (int attempt = 0; ; attempt++)
        {
            int port = FreePort();
            HttpListener listener = new() { Prefixes = { $"http://127.0.0.1:{port}/" } };
            try
            {
                listener.Start();
                return (listener, port);
            }
            catch (HttpListenerException) when (attempt < 10)
            {
                // Another test took the port.
            }
        }
    }

    private async Task Serve()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            try
            {
                string blob = context.Request.Url!.AbsolutePath[path.Length..];
                Requests.Enqueue($"{context.Request.HttpMethod} {blob}");
                if (!Intercept(context))
                {
                    await Answer(context, blob);
                }
            }
            catch (Exception exception) when (exception is HttpListenerException or IOException or ObjectDisposedException)
            {
                // The client hung up.
            }
        }
    }

    private async Task Answer(HttpListenerContext context, string blob)
    {
        if (context.Request.HttpMethod == "PUT")
        {
            using MemoryStream body = new();
            await context.Request.InputStream.CopyToAsync(body);
            context.Response.StatusCode = Blobs.ContainsKey(blob) ? 204 : 201;
            Blobs[blob] = body.ToArray();
            context.Response.Close();
        }
        else if (Blobs.TryGetValue(blob, out byte[]? bytes))
        {
            context.Response.ContentLength64 = bytes.Length;
            context.Response.Close(bytes, willBlock: true);
        }
        else
        {
            context.Response.StatusCode = 404;
            context.Response.Close();
        }
    }
}
