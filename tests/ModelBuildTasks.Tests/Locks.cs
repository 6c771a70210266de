using Microsoft.Build.Framework;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Items;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Locks : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    private string LockFile => _folder.File("models.lock.json");

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Without_a_lock_file_nothing_is_said_and_nothing_written()
    {
        Assert.IsTrue(Compare(Built("digits", "cpu")));

        Assert.IsEmpty(_engine.Messages);
        Assert.IsFalse(File.Exists(LockFile));
    }

    [TestMethod]
    public void Locked_mode_demands_the_file_and_says_what_writes_it()
    {
        Assert.IsFalse(Compare(Built("digits", "cpu"), isLocked: true, runtimeIdentifier: "linux-x64"));

        Assert.AreEqual("MBT2007", _engine.ErrorCodes.Single());
        Assert.AreEqual(_folder.File("app.csproj"), _engine.Errors[0].File);
        StringAssert.Contains(_engine.Errors[0].Message, "'dotnet build app.csproj -r linux-x64 -t:UpdateModelLock'");
    }

    [TestMethod]
    public void What_was_locked_passes_in_locked_mode()
    {
        var digits = Built("digits", "cpu");
        Assert.IsTrue(Update(digits));

        Assert.IsTrue(Compare(digits, isLocked: true));

        Assert.IsEmpty(_engine.Warnings);
    }

    [TestMethod]
    public void A_regression_is_a_budget_of_the_model()
    {
        Update(Built("digits", "cpu"));
        var larger = Built("digits", "cpu", bytes: 2000);

        Assert.IsFalse(Compare(larger));
        Assert.IsTrue(Compare(larger, severity: "Warning"));
        Assert.IsTrue(Compare(larger, severity: "None"));

        Assert.AreEqual("MBT2006", _engine.ErrorCodes.Single());
        Assert.AreEqual("MBT2006", _engine.WarningCodes.Single());
        Assert.AreEqual(_folder.File("digits.onnx"), _engine.Errors[0].File);
    }

    [TestMethod]
    public void What_is_out_of_date_fails_in_locked_mode_whatever_broken_budgets_are()
    {
        Update(Built("digits", "cpu"));
        var trained = Built("digits", "cpu", source: "trained again");

        Assert.IsTrue(Compare(trained));
        Assert.IsFalse(Compare(trained, isLocked: true, severity: "None"));

        Assert.AreEqual("MBT2007", _engine.ErrorCodes.Single());
        Assert.AreEqual(LockFile, _engine.Errors[0].File);
        StringAssert.Contains(File.ReadAllLines(LockFile)[_engine.Errors[0].LineNumber - 1], "\"cpu\"");
    }

    [TestMethod]
    public void Locked_mode_names_models_that_are_missing_and_models_that_are_gone()
    {
        Update(Built("digits", "cpu"));

        Assert.IsFalse(Compare(Built("letters", "cpu"), isLocked: true));

        StringAssert.Contains(_engine.Errors[0].Message, "no entry 'letters' for cpu");
        StringAssert.Contains(_engine.Errors[1].Message, "an entry 'digits' for cpu, which the project does not make");
    }

    [TestMethod]
    public void Targets_of_other_builds_stay_and_are_not_missed()
    {
        Update(Built("digits", "cpu-x64"));
        Update(Built("digits", "cpu"));

        Assert.IsTrue(Compare(Built("digits", "cpu"), isLocked: true));

        StringAssert.Contains(File.ReadAllText(LockFile), "\"cpu-x64\"");
    }

    [TestMethod]
    public void An_update_takes_out_what_the_project_no_longer_makes()
    {
        Update(Built("digits", "cpu"));
        Update(Built("letters", "cpu"));

        Assert.DoesNotContain("digits", File.ReadAllText(LockFile));
        StringAssert.Contains(_engine.Messages[^1].Message, "digits (cpu) removed, letters (cpu) added");
    }

    [TestMethod]
    public void An_update_with_no_news_leaves_the_file_alone()
    {
        Update(Built("digits", "cpu"));
        var longAgo = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(LockFile, longAgo);

        Update(Built("digits", "cpu"));

        Assert.AreEqual(longAgo, File.GetLastWriteTimeUtc(LockFile));
        StringAssert.EndsWith(_engine.Messages[^1].Message, "up to date");
    }

    [TestMethod]
    public void An_entry_without_a_recipe_is_out_of_date_until_an_update_writes_it()
    {
        Update(Built("digits", "cpu"));
        var digits = Built("digits", "cpu", recipe: new PinnedRecipe { Precision = Precision.Int8 });

        Assert.IsTrue(Compare(digits));
        Assert.IsFalse(Compare(digits, isLocked: true));
        StringAssert.Contains(_engine.Errors.Single().Message, "it has no recipe");

        Assert.IsTrue(Update(digits));
        StringAssert.Contains(_engine.Messages[^1].Message, "digits (cpu) updated");
        StringAssert.Contains(File.ReadAllText(LockFile), "\"recipe\": {");
        Assert.IsTrue(Compare(digits, isLocked: true));
    }

    [TestMethod]
    public void A_broken_file_is_an_error_at_its_line_for_both()
    {
        File.WriteAllText(LockFile, "{\n<<<<<<< HEAD\n");
        var digits = Built("digits", "cpu");

        Assert.IsFalse(Compare(digits));
        Assert.IsFalse(Update(digits));

        CollectionAssert.AreEqual(new[] { "MBT0014", "MBT0014" }, _engine.ErrorCodes.ToArray());
        CollectionAssert.AreEqual(new[] { 2, 2 }, _engine.Errors.Select(error => error.LineNumber).ToArray());
    }

    [TestMethod]
    public void What_was_not_built_is_neither_compared_nor_locked()
    {
        var variant = Variant("digits", "cpu").ToTaskItem();

        Assert.IsTrue(Update(variant));

        Assert.DoesNotContain("digits", File.ReadAllText(LockFile));
    }

    [TestMethod]
    public void What_another_version_built_is_no_fault_of_the_lock_file()
    {
        var digits = Built("digits", "cpu");
        Update(digits);
        File.WriteAllText(Variant("digits", "cpu").RequestPath, "{ \"Version\": 1 }");

        Assert.IsTrue(Compare(digits, isLocked: true));
    }

    private ITaskItem Built(string name, string target, long bytes = 1000, string source = "model", PinnedRecipe? recipe = null)
    {
        var variant = Variant(name, target);
        Directory.CreateDirectory(Path.GetDirectoryName(variant.ResultPath)!);
        var request = new OptimizationRequest { ModelPath = variant.ModelPath, Name = name, Target = target };
        request.Inputs.Add(new InputDigest { Role = "model", Path = variant.ModelPath, Sha256 = ContentDigest.OfText(source) });
        request.Write(variant.RequestPath);
        new OptimizationResult { Succeeded = true, ArtifactSha256 = ContentDigest.OfText($"{source} {bytes}"), Optimized = new ModelFigures { Bytes = bytes }, Pinned = recipe }.Write(variant.ResultPath);
        return variant.ToTaskItem();
    }

    private ModelVariant Variant(string name, string target) =>
        new(_folder.File($"{name}.onnx"), _folder.File($"{name}.onnx"), name, target, _folder.File($"obj/{name}/{target}"), new Dictionary<string, string>(), _folder.File("app.csproj"), $"{name}.onnx");

    private bool Compare(ITaskItem variant, bool isLocked = false, string severity = "", string runtimeIdentifier = "") => new CompareModelLock
    {
        BuildEngine = _engine, Variants = [variant], LockFile = LockFile, ProjectFile = _folder.File("app.csproj"), IsLocked = isLocked,
        IsWholeProject = true, BudgetSeverity = severity, RuntimeIdentifier = runtimeIdentifier,
    }.Execute();

    private bool Update(ITaskItem variant)
    {
        using var task = new UpdateModelLock { BuildEngine = _engine, Variants = [variant], LockFile = LockFile, IsWholeProject = true };
        return task.Execute();
    }
}
