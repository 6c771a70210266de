using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>A headless Chromium with one page, spoken to over the Chrome DevTools Protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const string Listening = "DevTools listening on ";
    private readonly string profile = Directory.CreateTempSubdirectory("modelbuild-browser-").FullName;
    private readonly ClientWebSocket socket = new();
    private readonly CancellationToken cancellation;
    private readonly Process process;
    private string? session;
    private int calls;

    private Browser(string program, CancellationToken cancellation)
    {
        this.cancellation = cancellation;
        // No sandbox: build machines run tests as root, and the page is the tests' own.
        ProcessStartInfo start = new(program, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        process = Process.Start(start)!;
    }

    /// <summary>Methods and parameters of everything that the page reported.</summary>
    internal List<(string Method, JsonObject Parameters)> Events { get; } = [];

    /// <summary>Starts a browser; where there is none, the test is skipped.</summary>
    internal static async Task<Browser> Start(CancellationToken cancellation)
    {
        string[] names = ["chromium", "chromium-browser", "google-chrome"];
        string? program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => names, Path.Combine).FirstOrDefault(File.Exists);
        if (program is null)
        {
            Assert.Inconclusive("There is no chromium or google-chrome on PATH; Debian's package chromium has one.");
        }

        Browser browser = new(program, cancellation);
        try
        {
            await browser.Connect();
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <param name="path">The file to show.</param>
    /// <param name="width">Of the window, in CSS pixels.</param>
    /// <param name="isDark">Whether the system asks for dark pages.</param>
    internal async Task Show(string path, int width, bool isDark)
    {
        Events.Clear();
        await Call("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = 900, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        await Call("Emulation.setEmulatedMedia", new() { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = isDark ? "dark" : "light" }) });
        await Call("Page.navigate", new() { ["url"] = new Uri(path).AbsoluteUri });
        while (Events.All(found => found.Method != "Page.loadEventFired"))
        {
            await Receive();
        }
    }

    /// <returns>The number that the expression gives in the page.</returns>
    internal async Task<double> Evaluate(string expression) => (double)(await Call("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true }))["result"]!["value"]!;

    /// <returns>A picture of what the window shows, as a PNG file's bytes.</returns>
    internal async Task<byte[]> Picture() => Convert.FromBase64String((string)(await Call("Page.captureScreenshot", []))["data"]!);

    public async ValueTask DisposeAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
        socket.Dispose();
        Directory.Delete(profile, recursive: true);
    }

    private async Task Connect()
    {
        string? line;
        do
        {
            line = await process.StandardError.ReadLineAsync(cancellation) ?? throw new InvalidOperationException("Chromium ended before it listened.");
        }
        while (!line.StartsWith(Listening, StringComparison.Ordinal));

        // Nobody reads what follows, and a full pipe would stop the browser.
        _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
        _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await socket.ConnectAsync(new Uri(line[Listening.Length..]), cancellation);
        JsonNode target = await Call("Target.createTarget", new() { ["url"] = "about:blank" });
        session = (string)(await Call("Target.attachToTarget", new() { ["targetId"] = (string)target["targetId"]!, ["flatten"] = true }))["sessionId"]!;
        foreach (string domain in (string[])["Page", "Network", "Runtime", "Log"])
        {
            await Call($"{domain}.enable", []);
        }
    }

    private async Task<JsonNode> Call(string method, JsonObject parameters)
    {
        int id = ++calls;
        JsonObject message = new() { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (session is not null)
        {
            message["sessionId"] = session;
        }

        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, endOfMessage: true, cancellation);
        while (true)
        {
            JsonObject answer = await Receive();
            if ((int?)answer["id"] == id)
            {
                return answer["result"] ?? throw new InvalidOperationException($"{method}: {answer["error"]}");
            }
        }
    }

    private async Task<JsonObject> Receive()
    {
        using MemoryStream message = new();
        byte[] buffer = new byte[1 << 16];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);

        JsonObject received = JsonNode.Parse(message.ToArray())!.AsObject();
        if ((string?)received["method"] is { } method)
        {
            Events.Add((method, received["params"] as JsonObject ?? []));
        }

        return received;
    }
}
