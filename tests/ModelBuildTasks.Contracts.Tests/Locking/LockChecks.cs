using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Contracts.Tests.Locking;

[TestClass]
public sealed class LockChecks : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lock ü ").FullName;

    public LockChecks() => Locked.Request().Write(Path.Combine(_folder, "digits.request.json"));

    private string LockFile => Path.Combine(_folder, "models.lock.json");

    private string ResultPath => Path.Combine(_folder, "digits.result.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void Without_a_file_nothing_is_compared_and_locked_mode_demands_one()
    {
        Assert.IsNull(Check(isLocked: false).Of(ResultPath, Locked.Result()));

        Assert.AreEqual("MBT2007", Check(isLocked: true).Of(ResultPath, Locked.Result())!.Single().Code);
    }

    [TestMethod]
    public void What_is_locked_passes()
    {
        Lock();

        Assert.IsEmpty(Check(isLocked: true).Of(ResultPath, Locked.Result())!);
    }

    [TestMethod]
    public void What_got_worse_is_told_in_every_mode_and_what_is_out_of_date_in_locked_mode()
    {
        Lock();
        var larger = Locked.Result(result => (result.Optimized!.Bytes, result.ArtifactSha256) = (2000, "b000"));

        Assert.AreEqual("MBT2006", Codes(Check(isLocked: false).Of(ResultPath, larger)));
        Assert.AreEqual("MBT2006 MBT2007", Codes(Check(isLocked: true).Of(ResultPath, larger)));
    }

    [TestMethod]
    public void A_result_that_failed_or_has_no_request_beside_it_is_not_compared()
    {
        Lock();

        Assert.IsNull(Check(isLocked: true).Of(ResultPath, Locked.Result(result => result.Succeeded = false)));
        Assert.IsNull(Check(isLocked: true).Of(Path.Combine(_folder, "letters.result.json"), Locked.Result()));
        Assert.IsNull(Check(isLocked: true).Of(Path.Combine(_folder, "digits.json"), Locked.Result()));
    }

    [TestMethod]
    public void A_broken_file_is_said_of_each_result()
    {
        File.WriteAllText(LockFile, "{\n<<<<<<< HEAD\n");
        var check = Check(isLocked: false);

        Assert.AreEqual("MBT0014", Codes(check.Of(ResultPath, Locked.Result())));
        Assert.AreEqual("MBT0014", Codes(check.Of(ResultPath, Locked.Result())));
    }

    [TestMethod]
    public void The_file_is_read_once_for_all_results()
    {
        Lock();
        var check = Check(isLocked: true);
        check.Of(ResultPath, Locked.Result());

        File.WriteAllText(LockFile, "<<<<<<< HEAD\n");

        Assert.IsEmpty(check.Of(ResultPath, Locked.Result())!);
    }

    private static string Codes(IEnumerable<Diagnostic>? found) => string.Join(' ', found!.Select(diagnostic => diagnostic.Code));

    private LockCheck Check(bool isLocked) => new(LockFile, "dotnet build", isLocked);

    private void Lock() => ModelLock.Update(LockFile, file => file.Set("digits", "cpu", Locked.Entry()), CancellationToken.None);
}
