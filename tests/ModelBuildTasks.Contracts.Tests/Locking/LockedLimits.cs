using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Contracts.Tests.Locking;

/// <summary>MaxLatency is tied to the kind of processor that it was set on.</summary>
[TestClass]
public sealed class LockedLimits
{
    private const string Other = "Another Processor (Arm64)";

    [TestMethod]
    public void A_limit_is_locked_with_the_processor_that_it_was_set_on()
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry(Limit(8)));

        var read = ModelLock.Parse(file.ToJson()).Find("digits", "cpu")!;

        Assert.AreEqual((8, Locked.Processor), (read.MaxLatency!.Milliseconds, read.MaxLatency.Processor));
    }

    [TestMethod]
    public void Without_a_limit_the_file_has_no_word_of_it()
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry());

        Assert.DoesNotContain("maxLatency", file.ToJson());
    }

    [TestMethod]
    public void An_update_elsewhere_does_not_move_the_limit_there()
    {
        var locked = Locked.Entry(Limit(8));

        var updated = Locked.Entry(Limit(8), result => (result.LatencyRatio!.Processor, result.ArtifactSha256) = (Other, "b000")).KeepingLimitOf(locked);

        Assert.AreEqual(Locked.Processor, updated.MaxLatency!.Processor);
        Assert.AreEqual(Other, updated.Latency!.Processor);
    }

    [TestMethod]
    public void Another_limit_is_of_the_processor_that_it_is_locked_on()
    {
        var locked = Locked.Entry(Limit(8));
        var current = Locked.Entry(Limit(9), result => result.LatencyRatio!.Processor = Other);

        Assert.IsFalse(LockComparison.IsSame(locked, current));
        Assert.AreEqual(Other, current.KeepingLimitOf(locked).MaxLatency!.Processor);
    }

    [TestMethod]
    public void A_limit_that_could_not_be_tied_is_tied_by_the_next_machine_that_can()
    {
        var locked = Locked.Entry(Limit(8), result => result.LatencyRatio = new LatencyRatio { Reason = "ModelMeasurement is Skip" });
        var current = Locked.Entry(Limit(8));

        Assert.IsNull(locked.MaxLatency!.Processor);
        Assert.IsFalse(LockComparison.IsSame(locked, current));
        Assert.IsTrue(LockComparison.IsSame(current, Locked.Entry(Limit(8), result => result.LatencyRatio = new LatencyRatio { Reason = "ModelMeasurement is Skip" })));
    }

    [TestMethod]
    public void A_processor_that_can_not_be_told_from_others_ties_nothing() =>
        Assert.IsNull(Locked.Entry(Limit(8), result => result.LatencyRatio!.Processor = "unnamed processor (Arm64)").MaxLatency!.Processor);

    private static Action<OptimizationRequest> Limit(double milliseconds) => request => request.Budgets.MaxLatencyMilliseconds = milliseconds;
}
