using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class RequestsOfWhatIsLocked : IDisposable
{
    private static readonly PinnedRecipe s_recipe = new() { Precision = Precision.Int8, Quantization = Quantization.Static, FloatNodes = ["scores"] };

    private readonly RequestedProject _project = new();

    public void Dispose() => _project.Dispose();

    [TestMethod]
    [DataRow("8ms", "Some Processor (X64)")]
    [DataRow("9ms", null)]
    public void Carries_the_processor_that_the_limit_of_latency_is_locked_on(string limit, string? expected)
    {
        Lock(8, "Some Processor (X64)");

        _project.Write(("MaxLatency", limit));

        Assert.AreEqual(expected, _project.Request.Budgets.MaxLatencyProcessor);
    }

    [TestMethod]
    public void A_limit_that_was_set_on_this_kind_of_processor_says_nothing_new()
    {
        _project.Write(("MaxLatency", "8ms"));
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        Lock(8, Contracts.Caching.ProcessorName.Current);

        _project.Write(("MaxLatency", "8ms"));

        Assert.AreEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    public void Is_written_anew_when_a_limit_is_locked_on_another_processor()
    {
        _project.Write(("MaxLatency", "8ms"));
        Lock(8, "Some Processor (X64)");

        _project.Write(("MaxLatency", "8ms"));

        Assert.AreEqual("Some Processor (X64)", _project.Request.Budgets.MaxLatencyProcessor);
    }

    [TestMethod]
    public void Carries_what_is_locked_of_the_same_source_and_settings()
    {
        _project.Write();
        LockWhatIsAsked();

        _project.Write();
        Assert.AreEqual((ContentDigest.OfText("artifact"), 17L, "simplification"), Locked() is { } locked ? (locked.Artifact, locked.Size, locked.Plan.Single()) : default);

        _project.Write(("Precision", "int8"));
        Assert.IsNull(Locked(), "Other settings.");

        _project.Write();
        _project.Change("digits.onnx");
        _project.Write();
        Assert.IsNull(Locked(), "Another source.");
    }

    [TestMethod]
    public void Carries_nothing_of_an_entry_without_a_recipe()
    {
        _project.Write();
        LockWhatIsAsked(recipe: null);

        _project.Write();
        Assert.IsNull(Locked());

        _project.IsUpdatingLock = true;
        _project.Write();
        Assert.IsNull(_project.Request.Start);
    }

    [TestMethod]
    [DataRow("artifact", true, true)]
    [DataRow("another processor's bytes", true, true)]
    [DataRow("other artifact", false, false)]
    public void What_is_locked_and_lies_there_is_not_made_again(string made, bool isByRecipe, bool isUpToDate)
    {
        _project.Write();
        LockWhatIsAsked();
        _project.Make(made, isByRecipe ? s_recipe : null);

        _project.Write();
        Assert.AreEqual(isUpToDate, IsUpToDate(), "A build after an update.");

        _project.IsUpdatingLock = true;
        _project.Write();
        Assert.AreEqual(isUpToDate, IsUpToDate(), "An update after a build.");
    }

    [TestMethod]
    public void What_an_update_found_beginning_with_another_recipe_is_looked_for_no_more()
    {
        _project.Write();
        LockWhatIsAsked(new PinnedRecipe { Precision = Precision.Float32 });
        _project.IsUpdatingLock = true;
        _project.Write();
        _project.Make("artifact", s_recipe);
        LockWhatIsAsked();

        _project.Write();
        Assert.IsTrue(IsUpToDate(), "An update after an update.");

        _project.IsUpdatingLock = false;
        _project.Write();
        Assert.IsTrue(IsUpToDate(), "A build after an update.");

        File.Delete(_project.LockFile);
        _project.Write();
        Assert.IsTrue(IsUpToDate(), "A build without the lock file.");
    }

    [TestMethod]
    public void What_was_made_because_it_was_locked_is_looked_for_anew_by_an_update()
    {
        MakeWhatIsLocked();

        _project.IsUpdatingLock = true;
        _project.Write();

        Assert.IsFalse(IsUpToDate());
    }

    [TestMethod]
    public void What_was_made_because_it_was_locked_is_looked_for_anew_without_the_lock_file()
    {
        MakeWhatIsLocked();

        File.Delete(_project.LockFile);
        _project.Write();

        Assert.IsFalse(IsUpToDate());
    }

    [TestMethod]
    public void What_was_looked_for_and_is_gone_is_made_again_as_it_is_locked()
    {
        _project.Write();
        LockWhatIsAsked();
        var artifact = _project.Make("artifact")[0];
        _project.Write();

        File.Delete(artifact);
        _project.Write();

        Assert.IsNotNull(Locked());
    }

    [TestMethod]
    public void Outputs_are_renewed_when_the_lock_file_is_newer_and_says_the_same()
    {
        MakeWhatIsLocked();
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        File.SetLastWriteTimeUtc(ResultPath, RequestedProject.LongAgo.AddDays(1));
        File.SetLastWriteTimeUtc(_project.LockFile, RequestedProject.LongAgo.AddDays(2));

        _project.Write();

        Assert.IsTrue(File.GetLastWriteTimeUtc(ResultPath) > RequestedProject.LongAgo.AddDays(2));
    }

    [TestMethod]
    public void Says_nothing_of_what_is_locked_when_the_lock_file_is_updated()
    {
        _project.Write();
        LockWhatIsAsked();
        _project.Write();

        _project.IsUpdatingLock = true;
        _project.Write();

        Assert.IsNull(Locked());
    }

    [TestMethod]
    public void An_update_begins_with_what_is_locked_whatever_the_settings_are_now()
    {
        _project.Write();
        LockWhatIsAsked();
        Assert.IsNull(_project.Request.Start);

        _project.IsUpdatingLock = true;
        _project.Write(("MaxAccuracyDrop", "0.01"));

        Assert.AreEqual(s_recipe.ToJson(), _project.Request.Start?.ToJson());
    }

    [TestMethod]
    public void An_update_of_another_source_begins_without_the_names_of_nodes()
    {
        _project.Write();
        LockWhatIsAsked();
        _project.Change("digits.onnx");

        _project.IsUpdatingLock = true;
        _project.Write();

        Assert.AreEqual(s_recipe.ForAnotherModel().ToJson(), _project.Request.Start?.ToJson());
    }

    [TestMethod]
    public void A_broken_lock_file_is_an_error_before_anything_is_searched_for()
    {
        File.WriteAllText(_project.LockFile, "<<<<<<<");

        _project.Write(("MaxLatency", "8ms"));

        Assert.AreEqual("MBT0014", _project.Engine.Errors.Single().Code);
    }

    private string ResultPath => _project.Folder.File("obj/digits/cpu/digits.result.json");

    private bool IsUpToDate() => File.GetLastWriteTimeUtc(ResultPath) >= File.GetLastWriteTimeUtc(_project.RequestPath);

    private void MakeWhatIsLocked()
    {
        _project.Write();
        LockWhatIsAsked();
        _project.Write();
        Assert.IsNotNull(Locked());
        _project.Make("artifact", s_recipe);
    }

    private LockedChoice? Locked() => _project.Request.Locked;

    private void LockWhatIsAsked() => LockWhatIsAsked(s_recipe);

    private void LockWhatIsAsked(PinnedRecipe? recipe)
    {
        var request = _project.Request;
        var result = new OptimizationResult { Succeeded = true, ArtifactSha256 = ContentDigest.OfText("artifact"), Optimized = new ModelFigures { Bytes = 17 }, Pinned = recipe };
        result.Recipe.Add(new RecipeStep { Name = "simplification", Applied = true });
        ModelLock.Update(_project.LockFile, file => file.Set(request.Name, request.Target, LockEntry.Of(request, result)), CancellationToken.None);
    }

    private void Lock(double milliseconds, string processor) => File.WriteAllText(_project.LockFile, FormattableString.Invariant(
        $$$"""{ "version": 1, "models": { "digits": { "cpu": { "source": "a", "settings": {}, "plan": [], "artifact": "b", "size": 1, "maxLatency": { "milliseconds": {{{milliseconds}}}, "processor": "{{{processor}}}" } } } } }"""));
}
