using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>What a search makes best, inside budgets.</summary>
[TestClass]
public sealed class ObjectiveTests : SearchedModel
{
    [TestMethod]
    public void The_smallest_that_keeps_the_accuracy_is_taken_for_size()
    {
        OptimizationResult result = Search(request => request.Settings.Objective = Objective.Size);

        AssertSmallest(result);
        Assert.IsTrue(result.Search!.Trials.Any(trial => trial.Bytes < result.Optimized!.Bytes && trial.Refusal is not null), "A smaller one loses too much.");
    }

    [TestMethod]
    public void What_ships_compressed_is_compared_compressed()
    {
        SmallModels.Mlp().Save(place.ModelPath);

        OptimizationResult result = Search(request => (request.Settings.Objective, request.Compress) = (Objective.Size, true));

        AssertSmallest(result);
        Assert.AreEqual(result.Optimized!.CompressedBytes, Chosen(result).Bytes);
    }

    [TestMethod]
    public void What_loses_nothing_is_taken_for_accuracy()
    {
        OptimizationResult result = Search(request => (request.Settings.Objective, request.Settings.Pruning) = (Objective.Accuracy, Pruning.Auto));

        Assert.IsLessThanOrEqualTo(0, result.AccuracyDrop!.Value);
        Assert.DoesNotContain("pruning", Names(result), "Nothing loses less.");
    }

    [TestMethod]
    public void Memory_of_trials_is_measured_where_that_is_to_be_small()
    {
        OptimizationResult result = Search(request => (request.Settings.Objective, request.Measurement) = (Objective.Memory, Measurement.Auto));

        SearchTrial[] fit = [.. result.Search!.Trials.Where(trial => trial.Refusal is null)];
        Assert.IsTrue(Array.TrueForAll(fit, trial => trial.PeakMemoryBytes > 0 || trial.Name == "the model as it is"));
        Assert.AreEqual(result.Optimized!.PeakMemoryBytes, Chosen(result).PeakMemoryBytes);
        StringAssert.Contains(result.Search.Decision, "takes least memory");
    }

    [TestMethod]
    public void A_budget_that_only_a_smaller_form_keeps_chooses_it()
    {
        OptimizationResult free = Search();

        OptimizationResult result = Search(request => (request.Budgets.MaxSizeBytes, request.Budgets.MaxAccuracyDrop) = (free.Optimized!.Bytes - 1, 0.1));

        Assert.IsLessThan(free.Optimized!.Bytes, result.Optimized!.Bytes);
        Assert.AreEqual(Verdict.Passed, result.Budgets.Single(budget => budget.Name == "MaxSize").Verdict);
        Assert.DoesNotContain("MBT2009", result.Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [TestMethod]
    public void Where_nothing_keeps_the_budgets_the_nearest_ships_and_what_would_have_to_give_is_told_behind_them()
    {
        OptimizationResult result = Search(request => request.Budgets.MaxSizeRatio = 0.2);

        CollectionAssert.AreEqual(new[] { "MBT2004", "MBT2009" }, result.Diagnostics.Select(diagnostic => diagnostic.Code).ToArray());
        Assert.AreEqual(result.Search!.Trials.Where(trial => trial.Bytes is not null && trial.Drop <= 0.01).Min(trial => trial.Bytes), Chosen(result).Bytes);
        string message = result.Diagnostics[1].Message;
        StringAssert.Contains(message, FormattableString.Invariant($"MaxSizeRatio would have to be {(double)result.Optimized!.Bytes / result.Original!.Bytes:0.####}, which {Chosen(result).Name} has"));
        StringAssert.Contains(message, "or MaxAccuracyDrop ");
        StringAssert.Contains(message, ", with which weight-only int4 would do.");
    }

    [TestMethod]
    [DataRow(Quantization.Auto, Pruning.None, 0.2, "weight-only int4")]
    [DataRow(Quantization.None, Pruning.Auto, 0.96, "structured pruning ")]
    public void The_loss_that_is_said_to_do_does(Quantization quantization, Pruning pruning, double ratio, string what)
    {
        string message = Search(Bound).Diagnostics.Single(diagnostic => diagnostic.Code == "MBT2009").Message;
        StringAssert.Contains(message, $", with which {what}");
        double loss = double.Parse(message.Split("or MaxAccuracyDrop ")[1].Split(',')[0], CultureInfo.InvariantCulture);

        OptimizationResult result = Search(request =>
        {
            Bound(request);
            request.Budgets.MaxAccuracyDrop = loss;
        });

        Assert.IsEmpty(result.Diagnostics.Where(diagnostic => diagnostic.IsBudget || diagnostic.Code == "MBT2009"));
        StringAssert.StartsWith(Chosen(result).Name, what);

        void Bound(OptimizationRequest request) => (request.Settings.Quantization, request.Settings.Pruning, request.Budgets.MaxSizeRatio) = (quantization, pruning, ratio);
    }

    [TestMethod]
    public void A_build_whose_lock_file_has_the_nearest_is_told_of_the_budget_alone()
    {
        OptimizationResult free = Search(request => request.Budgets.MaxSizeRatio = 0.2);

        OptimizationResult locked = Search(request =>
        {
            request.Budgets.MaxSizeRatio = 0.2;
            request.Locked = LockedChoice.Of(LockEntry.Of(request, free), request);
        });

        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
        CollectionAssert.AreEqual(new[] { "MBT2004" }, locked.Diagnostics.Select(diagnostic => diagnostic.Code).ToArray());
    }

    private static void AssertSmallest(OptimizationResult result)
    {
        const double EqualWithin = 0.02;
        long least = result.Search!.Trials.Where(trial => trial.Refusal is null).Min(trial => trial.Bytes!.Value);
        Assert.IsLessThanOrEqualTo(least * (1 + EqualWithin), Chosen(result).Bytes!.Value);
        StringAssert.Contains(result.Search.Decision, "the smallest, with ");
    }
}
