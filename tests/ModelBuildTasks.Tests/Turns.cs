using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Execution;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Turns : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    private string LockFile => _folder.File("obj/modelbuild.lock");

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void A_turn_that_nobody_has_is_taken_without_a_word()
    {
        using var turn = Wait(cancelled: new TaskCompletionSource().Task);

        Assert.IsNull(ExclusiveFile.TryOpen(LockFile));
        Assert.IsEmpty(_engine.Messages);
    }

    [TestMethod]
    public void Who_waits_says_for_what_and_goes_without_a_turn_when_cancelled()
    {
        using var other = ExclusiveFile.TryOpen(LockFile);

        Assert.IsNull(Wait(cancelled: Task.CompletedTask));

        Assert.AreEqual("Another build is making '{tea}'; waiting for it.", _engine.Messages.Single().Message);
    }

    private IDisposable? Wait(Task cancelled) => Turn.Wait(new ExportModel { BuildEngine = _engine }, LockFile, "making '{tea}'", cancelled);
}
