namespace ModelBuildTasks.Contracts.Tests.Caching;

[TestClass]
public sealed class KeyLockTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public required TestContext TestContext { get; init; }

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public async Task A_lock_waits_for_its_holder()
    {
        var first = _folder.Store.Lock(StoreFolder.Key(1), CancellationToken.None)!;
        var second = Task.Run(() => _folder.Store.Lock(StoreFolder.Key(1), CancellationToken.None));
        await Task.Delay(300, TestContext.CancellationToken);
        Assert.IsFalse(second.IsCompleted);

        first.Dispose();

        using var held = await second;
        Assert.IsNotNull(held);
    }

    [TestMethod]
    public void Waiting_for_a_lock_can_be_cancelled()
    {
        using var holder = _folder.Store.Lock(StoreFolder.Key(1), CancellationToken.None);
        using CancellationTokenSource cancellation = new(TimeSpan.FromMilliseconds(200));

        Assert.ThrowsExactly<OperationCanceledException>(() => _folder.Store.Lock(StoreFolder.Key(1), cancellation.Token));
    }

    [TestMethod]
    public async Task Never_do_two_hold_one_lock()
    {
        var holders = 0;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() =>
        {
            for (var round = 0; round < 5; round++)
            {
                using var held = _folder.Store.Lock(StoreFolder.Key(1), TestContext.CancellationToken);
                Assert.AreEqual(1, Interlocked.Increment(ref holders));
                Thread.Yield();
                Interlocked.Decrement(ref holders);
            }
        })));
    }

    [TestMethod]
    public void Other_keys_are_not_waited_for()
    {
        using var first = _folder.Store.Lock(StoreFolder.Key(1), CancellationToken.None);
        using CancellationTokenSource cancellation = new(TimeSpan.FromSeconds(30));

        using var second = _folder.Store.Lock(StoreFolder.Key(2), cancellation.Token);

        Assert.IsNotNull(second);
    }

    [TestMethod]
    [Timeout(30_000, CooperativeCancellation = true)]
    public void A_lock_file_that_cannot_be_made_is_not_waited_for()
    {
        Directory.CreateDirectory(_folder.Cache);
        File.WriteAllText(Path.Combine(_folder.Cache, "locks"), "a file where the folder should be");

        Assert.IsNull(_folder.Store.Lock(StoreFolder.Key(1), TestContext.CancellationToken));
    }
}
