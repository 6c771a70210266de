using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>A web server with the configuration of docs/CACHE.md, on a free port of this machine, in a folder of its own.</summary>
internal sealed class Nginx : IDisposable
{
    private const int Attempts = 100;

    // Debian's defaults belong to its service.
    private static readonly string[] TemporaryFolders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    private readonly Process _process;

    private Nginx(string program)
    {
        Folder = Directory.CreateTempSubdirectory("modelbuild-nginx-").FullName;
        Directory.CreateDirectory(Files);
        Port = FreePort();
        var configuration = Path.Combine(Folder, "nginx.conf");
        File.WriteAllText(configuration, Configuration());
        _process = Process.Start(new ProcessStartInfo(program, ["-p", Folder, "-c", configuration, "-e", Path.Combine(Folder, "error.log")]) { RedirectStandardError = true })!;
    }

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}/models";

    /// <summary>Method, path and status of each request.</summary>
    public string[] Requests => [.. File.ReadAllLines(Path.Combine(Folder, "access.log")).Select(line => line.Split('"')).Select(part => $"{part[1].Split(' ')[0]} {part[1].Split(' ')[1]} {part[2].Trim().Split(' ')[0]}")];

    public string Files => Path.Combine(Folder, "files");

    private string Folder { get; }

    /// <summary>Starts one, or ends the test as inconclusive where there is none.</summary>
    public static Nginx Start()
    {
        // Debian installs it where only root's PATH looks.
        var program = $"{Environment.GetEnvironmentVariable("PATH")}{Path.PathSeparator}/usr/sbin".Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists);
        if (program is null)
        {
            Assert.Inconclusive("There is no nginx on PATH; Debian's package nginx-light has one with the WebDAV module.");
        }

        var server = new Nginx(program);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            try
            {
                using var probe = new TcpClient("127.0.0.1", server.Port);
                return server;
            }
            catch (SocketException) when (!server._process.HasExited)
            {
                Thread.Sleep(100);
            }
            catch (SocketException)
            {
                break;
            }
        }

        using (server)
        {
            server.Stop();
            throw new InvalidOperationException($"nginx does not answer: {server._process.StandardError.ReadToEnd()}");
        }
    }

    /// <summary>Ends the server and its workers.</summary>
    public void Stop()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }
    }

    public void Dispose()
    {
        Stop();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>What the documentation shows, with this server's own user, port and folders.</summary>
    private string Configuration()
    {
        const string Start = "```nginx\n", User = "user www-data;", Http = "http {", Listen = "listen 8080;", Root = "root /srv/modelbuild;";
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "CACHE.md")).ReplaceLineEndings("\n");
        var documented = page.Split(Start)[1].Split("```")[0];
        foreach (var expected in new[] { User, Http, Listen, Root })
        {
            StringAssert.Contains(documented, expected);
        }

        return documented
            .Replace(User, $"daemon off; {(Environment.UserName == "root" ? "user root;" : "")} pid {Folder}/nginx.pid; error_log {Folder}/error.log;", StringComparison.Ordinal)
            .Replace(Listen, $"listen 127.0.0.1:{Port};", StringComparison.Ordinal)
            .Replace(Root, $"root {Files};", StringComparison.Ordinal)
            .Replace(Http, $"{Http} access_log {Folder}/access.log; {string.Concat(TemporaryFolders.Select(name => $"{name}_temp_path {Folder}/{name}; "))}", StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
