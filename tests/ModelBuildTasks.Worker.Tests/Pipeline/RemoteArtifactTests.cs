using System.Collections.Concurrent;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Machines that share a server: each has a local cache of its own.</summary>
[TestClass]
public sealed class RemoteArtifactTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Cnn());
    private readonly CacheServer server = new();
    private readonly string evaluation;

    public RemoteArtifactTests() => evaluation = place.WriteData("evaluation");

    public void Dispose()
    {
        server.Dispose();
        place.Dispose();
    }

    [TestMethod]
    public void The_second_machine_gets_the_artifact_without_optimizing()
    {
        OptimizationResult first = Run("first");
        ConcurrentQueue<string> stages = [];
        server.Requests.Clear();

        OptimizationResult second = Run("second", watch: progress => stages.Enqueue(progress.Stage));

        Assert.IsFalse(first.FromCache);
        Assert.IsTrue(second.FromCache);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        Assert.AreEqual(second.ArtifactSha256, ContentDigest.OfFile(place.OutputPath));
        Assert.AreEqual(first.Optimized!.Accuracy, second.Optimized!.Accuracy);
        CollectionAssert.AreEqual(first.Recipe.Select(step => step.Explanation).ToArray(), second.Recipe.Select(step => step.Explanation).ToArray());
        CollectionAssert.AreEqual(new[] { "reading the inputs", "loading", "asking the remote cache", "verifying", "measuring accuracy" }, stages.Distinct().ToArray());
        Assert.HasCount(3, server.Requests);
    }

    [TestMethod]
    public void A_model_that_passes_through_for_TensorRT_and_tells_its_types_alone_is_taken()
    {
        static void ForTensorRt(OptimizationRequest request) => (request.Target, request.Settings.DisabledRules) = (TargetNames.TensorRt, [.. GraphSimplification.RuleNames]);
        OptimizationResult first = Run("first", ForTensorRt);

        OptimizationResult second = Run("second", ForTensorRt);

        Assert.IsFalse(first.Recipe.Any(step => step.Applied));
        Assert.IsTrue(second.FromCache);
    }

    [TestMethod]
    public void What_came_from_the_server_is_compressed_here()
    {
        OptimizationResult first = Run("first");
        OptimizationRequest request = Request("second", server.Url);
        (request.Compress, request.Budgets.MaxSizeBytes) = (true, first.Optimized!.Bytes - 1);

        OptimizationResult second = Workplace.Run(request);

        Assert.IsTrue(second.FromCache);
        CompressedModel.Restore(place.OutputPath, place["restored.onnx"]);
        Assert.AreEqual(first.ArtifactSha256, ContentDigest.OfFile(place["restored.onnx"]));
    }

    [TestMethod]
    public void What_came_from_the_server_is_kept_here()
    {
        Run("first");
        Run("second");
        server.Requests.Clear();

        Assert.IsTrue(Run("second").FromCache);

        Assert.IsEmpty(server.Requests);
    }

    [TestMethod]
    public void The_url_is_not_part_of_the_key()
    {
        Workplace.Run(Request("first", url: null));

        Assert.IsTrue(Run("first").FromCache);

        Assert.IsEmpty(server.Requests);
    }

    [TestMethod]
    public void Several_models_and_a_server_that_does_not_work_give_one_warning()
    {
        server.Refuse("GET", 500);

        OptimizationResult[] results = [Run("first"), Run("second"), Run("third")];

        Assert.IsTrue(results.All(result => result.Succeeded && !result.FromCache));
        Assert.AreEqual(1, results.Sum(Warnings));
        Assert.HasCount(1, server.Requests);
    }

    [TestMethod]
    [DataRow("the outputs are others")]
    [DataRow("the weights are others")]
    [DataRow("every answer is class 0")]
    [DataRow("no model")]
    [DataRow("weights in another file")]
    [DataRow("a note that is an error")]
    [DataRow("a note without arguments")]
    [DataRow("a note that nobody knows")]
    [DataRow("an escape sequence")]
    [DataRow("an operator with an escape sequence")]
    [DataRow("an operator that is null")]
    [DataRow("a layer with an escape sequence")]
    [DataRow("a layer that is null")]
    [DataRow("a processor with an escape sequence")]
    [DataRow("a name with an escape sequence")]
    [DataRow("another original")]
    [DataRow("another origin in its metadata")]
    public void A_lie_with_hashes_that_agree_is_a_warning_and_the_artifact_is_made_here(string lie)
    {
        OptimizationResult honest = Run("first");
        string key = server.Key;
        server.Blobs.Clear();
        Lie(key, lie);

        OptimizationResult result = Run("second");

        Assert.IsTrue(result.Succeeded);
        Assert.IsFalse(result.FromCache);
        Assert.AreEqual(honest.ArtifactSha256, result.ArtifactSha256);
        Assert.AreEqual(honest.ArtifactSha256, ContentDigest.OfFile(place.OutputPath));
        Assert.AreEqual(1, Warnings(result));
        Assert.IsFalse(result.Diagnostics.Any(found => found.Severity == DiagnosticSeverity.Error));
        Assert.IsTrue(Run("third").FromCache, "The entry was mended.");
    }

    [TestMethod]
    public void A_build_does_not_fail_on_a_server_s_word()
    {
        Run("first");
        string key = server.Key;
        Outcome honest = new ArtifactCache(place["first"]).TryRestore(key, place["restored.onnx"])!;
        RemoteCache.At(server.Url)!.Upload(key, place["restored.onnx"], honest with
        {
            Latency = new LatencyResult(Estimate.Exact(1), Estimate.Exact(9), Estimate.Exact(9), 100, 1, "a server", true),
        }, CancellationToken.None);

        OptimizationResult result = Run("second", request => request.Budgets.MaxLatencyRatio = 1);

        Assert.IsFalse(result.FromCache);
        Assert.IsFalse(result.Diagnostics.Any(found => found.Severity == DiagnosticSeverity.Error));
    }

    [TestMethod]
    public void Memory_is_not_taken_on_a_server_s_word()
    {
        Run("first");
        string key = server.Key;
        Outcome honest = new ArtifactCache(place["first"]).TryRestore(key, place["restored.onnx"])!;
        RemoteCache.At(server.Url)!.Upload(key, place["restored.onnx"], honest with { Memory = new PeakMemories(1, 1) }, CancellationToken.None);

        OptimizationResult result = Run("second", request => request.Budgets.MaxMemoryBytes = 1L << 40);

        Assert.IsTrue(result.FromCache);
        Assert.AreEqual(Verdict.NotMeasured, result.Budgets.Single().Verdict);
    }

    [TestMethod]
    public void What_others_would_refuse_is_not_uploaded()
    {
        Assert.IsTrue(Run("first", request =>
        {
            request.EvaluationData = place.WriteData("unlabelled", labelled: false);
            request.Settings.Pruning = Pruning.Magnitude;
            request.Settings.Sparsity = 0.97;
        }).Succeeded);

        Assert.IsEmpty(server.Blobs);
    }

    [TestMethod]
    public void Credentials_are_in_no_result_and_in_no_request()
    {
        server.Refuse("GET", 401);
        OptimizationRequest request = Request("first", server.Url.Replace("http://", "http://build:secret@", StringComparison.Ordinal));

        OptimizationResult result = Workplace.Run(request);
        request.Write(place["request.json"]);
        result.Write(place["result.json"]);

        Assert.AreEqual(1, Warnings(result));
        Assert.DoesNotContain("secret", File.ReadAllText(place["request.json"]) + File.ReadAllText(place["result.json"]));
    }

    private OptimizationResult Run(string machine, Action<OptimizationRequest>? change = null, Action<Worker.Pipeline.PipelineProgress>? watch = null)
    {
        OptimizationRequest request = Request(machine, server.Url);
        change?.Invoke(request);
        return Workplace.Run(request, watch);
    }

    private OptimizationRequest Request(string machine, string? url) => place.Request(request =>
    {
        request.CacheDirectory = place[machine];
        request.EvaluationData = evaluation;
        request.Settings.Precision = Precision.Float32;
        request.RemoteCache = url;
    });

    private static int Warnings(OptimizationResult result) => result.Diagnostics.Count(found => found.Code == "MBT1007");

    /// <summary>Uploads as the client does, so that every hash is right.</summary>
    private void Lie(string key, string lie)
    {
        string path = place["lie.onnx"];
        Outcome outcome = new ArtifactCache(place["first"]).TryRestore(key, path)!;
        switch (lie)
        {
            case "the outputs are others":
                SmallModels.Plain().Save(path);
                break;
            case "the weights are others":
                SmallModels.Cnn(seed: 99).Save(path);
                break;
            case "every answer is class 0":
                Model ruined = SmallModels.Cnn();
                EditingPass.Ruinous("ruin").Apply(ruined, new PassContext(TargetProfiles.Cpu));
                ruined.Save(path);
                break;
            case "no model":
                File.WriteAllText(path, "Hello");
                break;
            case "weights in another file":
                File.WriteAllBytes(path, WithExternalData(File.ReadAllBytes(path)));
                break;
            case "a note that is an error":
                outcome = outcome with { Notes = [new Note("MBT2001", ["it is bad"])] };
                break;
            case "a note without arguments":
                outcome = outcome with { Notes = [new Note("MBT1003", [])] };
                break;
            case "a note that nobody knows":
                outcome = outcome with { Notes = [new Note("MBT9999", [])] };
                break;
            case "an escape sequence":
                outcome = outcome with { Steps = [new Step("folding", true, "\u001b]0;title\u0007")] };
                break;
            case "an operator with an escape sequence":
                outcome = outcome with { Profile = new OperatorProfile { Optimized = [new OperatorTime { Name = "\u001b]0;title\u0007" }] } };
                break;
            case "an operator that is null":
                outcome = outcome with { Profile = new OperatorProfile { Optimized = [null!] } };
                break;
            case "a layer with an escape sequence":
                outcome = outcome with { TriedQuantization = new QuantizationPlan(null, [], [new PlannedLayer("\u001b]0;title\u0007", true, null)], []) };
                break;
            case "a layer that is null":
                outcome = outcome with { TriedQuantization = new QuantizationPlan(null, [], [null!], []) };
                break;
            case "a processor with an escape sequence":
                outcome = outcome with { Latency = new LatencyResult(Estimate.Exact(2), Estimate.Exact(1), Estimate.Exact(0.5), 100, 1, "\u001b]0;title\u0007", true) };
                break;
            case "a name with an escape sequence":
                outcome = outcome with { Model = "\u001b]0;title\u0007" };
                break;
            case "another origin in its metadata":
                Model other = Model.Load(path);
                other.Metadata[Provenance.Source] = new string('0', 64);
                other.Save(path);
                break;
            case "another original":
                outcome = outcome with { OriginalBytes = 1 };
                break;
        }

        outcome = outcome with { ArtifactSha256 = ContentDigest.OfFile(path), ArtifactBytes = new FileInfo(path).Length };
        new RemoteCache(RemoteCacheAddress.Parse(server.Url)!, TimeSpan.FromSeconds(20)).Upload(key, path, outcome, CancellationToken.None);
    }

    /// <summary>Appends an initializer whose data lies elsewhere: protobuf merges messages that follow one another.</summary>
    private static byte[] WithExternalData(byte[] model)
    {
        byte[] location = [0x0a, 8, .. "location"u8, 0x12, 11, .. "/etc/passwd"u8];
        byte[] tensor = [0x08, 1, 0x10, 1, 0x42, 1, (byte)'w', 0x6a, (byte)location.Length, .. location, 0x70, 1];
        byte[] graph = [0x2a, (byte)tensor.Length, .. tensor];
        return [.. model, 0x3a, (byte)graph.Length, .. graph];
    }
}
