using System.Net;
using System.Net.Sockets;
using System.Text;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Caching.Schema;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Caching;

[TestClass]
public sealed class RemoteCacheTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly string Key = ContentHash.Of("key"u8.ToArray());
    private readonly string folder = Directory.CreateTempSubdirectory("modelbuild-remote-").FullName;
    private readonly CacheServer server = new();
    private readonly RemoteCache remote;

    public RemoteCacheTests()
    {
        remote = At(server.Url);
        File.WriteAllBytes(Artifact, new byte[100_000]);
    }

    public required TestContext TestContext { get; init; }

    private string Artifact => Path.Combine(folder, "artifact.onnx");

    private string Downloaded => Path.Combine(folder, "downloaded.onnx");

    public void Dispose()
    {
        server.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void Gives_others_what_was_uploaded()
    {
        Upload();

        Outcome? outcome = Download(At(server.Url));

        Assert.AreEqual("digits", outcome!.Model);
        CollectionAssert.AreEqual(File.ReadAllBytes(Artifact), File.ReadAllBytes(Downloaded));
        AssertNoWarning(remote);
    }

    [TestMethod]
    public void What_lies_under_ac_is_an_action_result_whose_files_lie_under_cas()
    {
        Upload();

        ActionResult result = ActionResult.Parser.ParseFrom(server.Blobs[$"ac/{Key}"]);

        CollectionAssert.AreEquivalent(new[] { "artifact", "entry" }, result.OutputFiles.Select(file => file.Path).ToArray());
        Assert.IsTrue(result.OutputFiles.All(file => ContentHash.Of(server.Blobs[$"cas/{file.Digest.Hash}"]) == file.Digest.Hash && server.Blobs[$"cas/{file.Digest.Hash}"].Length == file.Digest.SizeBytes));
    }

    [TestMethod]
    public void The_result_is_uploaded_last()
    {
        Upload();

        Assert.AreEqual($"PUT ac/{Key}", server.Requests.Last());
        Assert.HasCount(3, server.Requests);
    }

    [TestMethod]
    public void What_is_not_there_is_a_miss_without_a_warning()
    {
        Assert.IsNull(Download());

        AssertNoWarning();
    }

    [TestMethod]
    public void A_blob_that_the_server_has_evicted_is_a_miss_without_a_warning()
    {
        Upload();
        server.Blobs.TryRemove($"cas/{ContentDigest.OfFile(Artifact)}", out _);

        Assert.IsNull(Download());

        AssertNoWarning();
    }

    [TestMethod]
    [DataRow(301)]
    [DataRow(400)]
    [DataRow(401)]
    [DataRow(403)]
    [DataRow(500)]
    [DataRow(503)]
    public void A_status_that_is_no_answer_is_told_once_and_ends_all_asking(int status)
    {
        server.Refuse("GET", status);

        Assert.IsNull(Download());
        Assert.IsNull(Download());
        Upload();

        StringAssert.Contains(Warning(), $"it answered GET with {status}");
        AssertNoWarning();
        Assert.HasCount(1, server.Requests);
    }

    [TestMethod]
    [DataRow(401)]
    [DataRow(403)]
    [DataRow(405)]
    [DataRow(501)]
    public void A_server_that_takes_nothing_is_one_to_read_from(int status)
    {
        Upload();
        server.Refuse("PUT", status);

        Upload();
        Upload();

        Assert.IsNotNull(Download());
        AssertNoWarning();
        Assert.HasCount(1, server.Requests.Skip(3).Where(request => request.StartsWith("PUT", StringComparison.Ordinal)));
    }

    [TestMethod]
    [DataRow(413)]
    [DataRow(500)]
    [DataRow(507)]
    public void An_upload_that_fails_is_a_warning(int status)
    {
        server.Refuse("PUT", status);

        Upload();

        StringAssert.Contains(Warning(), $"it answered PUT with {status}");
    }

    [TestMethod]
    public void A_server_that_nobody_runs_is_a_warning()
    {
        RemoteCache nobody = At($"http://127.0.0.1:{CacheServer.FreePort()}/");

        Assert.IsNull(Download(nobody));

        Assert.IsTrue(nobody.TryTakeWarning("m.onnx", out Diagnostic? warning));
        Assert.AreEqual("MBT1007", warning.Code);
        Assert.AreEqual(DiagnosticSeverity.Warning, warning.Severity);
    }

    [TestMethod]
    [DataRow("SSH-2.0-OpenSSH_9.2p1\r\n")]
    [DataRow("")]
    [DataRow("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nbegin")]
    [DataRow("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nbegin")]
    public void What_is_not_http_or_ends_early_is_a_warning(string answer)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        _ = Task.Run(async () =>
        {
            using TcpClient client = await listener.AcceptTcpClientAsync(TestContext.CancellationToken);
            _ = await client.GetStream().ReadAsync(new byte[4096], TestContext.CancellationToken);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer), TestContext.CancellationToken);
        }, TestContext.CancellationToken);
        RemoteCache broken = At($"http://{listener.LocalEndpoint}/");

        Assert.IsNull(Download(broken));

        Assert.IsTrue(broken.TryTakeWarning("m.onnx", out _));
    }

    [TestMethod]
    [DataRow("", DisplayName = "no answer")]
    [DataRow("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nbegin", DisplayName = "an answer that does not go on")]
    [Timeout(60_000, CooperativeCancellation = true)]
    public void A_server_that_is_slow_is_not_waited_for(string answer)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new();
        _ = Task.Run(async () =>
        {
            TcpClient accepted = await listener.AcceptTcpClientAsync(TestContext.CancellationToken);
            await accepted.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer), TestContext.CancellationToken);
            await Task.Delay(Timeout.Infinite, TestContext.CancellationToken);
        }, TestContext.CancellationToken);
        RemoteCache slow = new(RemoteCacheAddress.Parse($"http://{listener.LocalEndpoint}/")!, TimeSpan.FromMilliseconds(300));

        Assert.IsNull(Download(slow));

        Assert.IsTrue(slow.TryTakeWarning("m.onnx", out Diagnostic? warning));
        StringAssert.Contains(warning.Message, "it did not answer in time");
    }

    [TestMethod]
    public void A_cancelled_build_is_no_fault_of_the_server()
    {
        using CancellationTokenSource cancellation = new();
        cancellation.Cancel();

        Assert.Throws<OperationCanceledException>(() => remote.TryDownload(Key, Downloaded, cancellation.Token));
        AssertNoWarning();
    }

    [TestMethod]
    [DataRow("<html>Please log in</html>")]
    [DataRow("")]
    public void A_page_in_place_of_a_result_is_a_warning(string page)
    {
        server.Blobs[$"ac/{Key}"] = Encoding.UTF8.GetBytes(page);

        Assert.IsNull(Download());

        StringAssert.Contains(Warning(), "no result of ours");
    }

    [TestMethod]
    [DataRow(-1L, "../../secret")]
    [DataRow(0L, null)]
    [DataRow(1L << 40, null)]
    public void Sizes_and_hashes_are_checked_before_anything_is_fetched(long size, string? hash)
    {
        Upload();
        ChangeResult(artifact =>
        {
            artifact.Digest.SizeBytes = size;
            artifact.Digest.Hash = hash ?? artifact.Digest.Hash;
        });
        server.Requests.Clear();

        Assert.IsNull(Download());

        Assert.HasCount(1, server.Requests);
        StringAssert.Contains(Warning(), "no result of ours");
    }

    [TestMethod]
    [DataRow("flip")]
    [DataRow("cut")]
    [DataRow("grow")]
    public void An_artifact_with_other_bytes_is_a_warning_and_other_models_are_asked_for_still(string lie)
    {
        Upload();
        server.Blobs.AddOrUpdate($"cas/{ContentDigest.OfFile(Artifact)}", _ => [], (_, bytes) => lie switch
        {
            "flip" => [1, .. bytes[1..]],
            "cut" => bytes[1..],
            _ => [.. bytes, 0],
        });

        Assert.IsNull(Download());
        Warning();

        Upload();
        Assert.IsNotNull(Download());
    }

    [TestMethod]
    public void A_result_of_another_key_is_refused()
    {
        Upload();
        string other = ContentHash.Of("other"u8.ToArray());
        server.Blobs[$"ac/{other}"] = server.Blobs[$"ac/{Key}"];

        Assert.IsNull(remote.TryDownload(other, Downloaded, TestContext.CancellationToken));

        StringAssert.Contains(Warning(), "does not belong to this model");
    }

    [TestMethod]
    public void A_description_of_another_artifact_is_refused()
    {
        Upload();
        byte[] other = [1, 2, 3];
        server.Blobs[$"cas/{ContentHash.Of(other)}"] = other;
        ChangeResult(artifact => artifact.Digest = new Digest { Hash = ContentHash.Of(other), SizeBytes = other.Length });

        Assert.IsNull(Download());

        StringAssert.Contains(Warning(), "does not belong to this model");
    }

    [TestMethod]
    public void Credentials_go_to_the_server_and_nowhere_else()
    {
        List<string?> headers = [];
        server.Intercept = context =>
        {
            headers.Add(context.Request.Headers["Authorization"]);
            context.Response.StatusCode = 500;
            context.Response.Close();
            return true;
        };
        RemoteCache remote = At(server.Url.Replace("http://", "http://build:s%40cret@", StringComparison.Ordinal));

        Download(remote);

        Assert.AreEqual("Basic " + Convert.ToBase64String("build:s@cret"u8), headers.Single());
        Assert.IsTrue(remote.TryTakeWarning("m.onnx", out Diagnostic? warning));
        StringAssert.Contains(warning.Message, server.Url);
        Assert.DoesNotContain("cret", warning.Message);
    }

    [TestMethod]
    public void One_process_has_one_cache_for_a_url_and_none_without()
    {
        Assert.AreSame(RemoteCache.At(server.Url), RemoteCache.At(server.Url));
        Assert.IsNull(RemoteCache.At(null));
        Assert.IsNull(RemoteCache.At(""));
        Assert.IsNull(RemoteCache.At("ftp://127.0.0.1/"));
    }

    private static RemoteCache At(string url) => new(RemoteCacheAddress.Parse(url)!, Patience);

    private Outcome? Download(RemoteCache? from = null) => (from ?? remote).TryDownload(Key, Downloaded, TestContext.CancellationToken);

    private void Upload() => remote.Upload(Key, Artifact, new Outcome
    {
        Model = "digits",
        ArtifactSha256 = ContentDigest.OfFile(Artifact),
        OriginalBytes = 1,
        ArtifactBytes = new FileInfo(Artifact).Length,
        Steps = [],
        Notes = [],
    }, TestContext.CancellationToken);

    private void ChangeResult(Action<OutputFile> change)
    {
        ActionResult result = ActionResult.Parser.ParseFrom(server.Blobs[$"ac/{Key}"]);
        change(result.OutputFiles.Single(file => file.Path == RemoteCache.ArtifactPath));
        server.Blobs[$"ac/{Key}"] = Google.Protobuf.MessageExtensions.ToByteArray(result);
    }

    private string Warning()
    {
        Assert.IsTrue(remote.TryTakeWarning("m.onnx", out Diagnostic? warning), "There is no warning.");
        return warning.Message;
    }

    private void AssertNoWarning(RemoteCache? of = null) => Assert.IsFalse((of ?? remote).TryTakeWarning("m.onnx", out Diagnostic? warning), warning?.Message);
}
