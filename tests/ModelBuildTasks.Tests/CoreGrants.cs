using System.Collections;
using Microsoft.Build.Framework;
using ModelBuildTasks.Execution;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class CoreGrants
{
    [TestMethod]
    public void Are_what_the_build_lends_and_go_back_once()
    {
        var engine = new LendingEngine { Free = 3 };

        using (var grant = CoreGrant.Request(engine, 8))
        {
            Assert.AreEqual(3, grant.Count);
            Assert.AreEqual(0, engine.Free);
        }

        Assert.AreEqual(8, engine.Asked);
        Assert.AreEqual(3, engine.Free);
    }

    [TestMethod]
    public void Are_all_that_are_wanted_where_no_one_lends()
    {
        using var grant = CoreGrant.Request(new BuildEngine(), 8);

        Assert.AreEqual(8, grant.Count);
    }

    [TestMethod]
    public void Are_all_that_are_wanted_in_a_task_host_and_none_go_back()
    {
        var engine = new LendingEngine { Free = 3, IsTaskHost = true };

        using (var grant = CoreGrant.Request(engine, 8))
        {
            Assert.AreEqual(8, grant.Count);
        }

        Assert.AreEqual(3, engine.Free);
    }

    private sealed class LendingEngine : IBuildEngine9
    {
        public int Free { get; set; }

        public int Asked { get; private set; }

        public bool IsTaskHost { get; init; }

        public int RequestCores(int requestedCores)
        {
            if (IsTaskHost)
            {
                throw new NotImplementedException();
            }

            Asked = requestedCores;
            var lent = Math.Min(requestedCores, Free);
            Free -= lent;
            return lent;
        }

        public void ReleaseCores(int coresToRelease) => Free += coresToRelease;

        public bool AllowFailureWithoutError { get; set; }

        public bool IsRunningMultipleNodes => true;

        public bool ContinueOnError => false;

        public int LineNumberOfTaskNode => 0;

        public int ColumnNumberOfTaskNode => 0;

        public string ProjectFileOfTaskNode => "";

        public void LogErrorEvent(BuildErrorEventArgs e) => throw new NotSupportedException();

        public void LogWarningEvent(BuildWarningEventArgs e) => throw new NotSupportedException();

        public void LogMessageEvent(BuildMessageEventArgs e) => throw new NotSupportedException();

        public void LogCustomEvent(CustomBuildEventArgs e) => throw new NotSupportedException();

        public void LogTelemetry(string eventName, IDictionary<string, string> properties) => throw new NotSupportedException();

        public bool ShouldTreatWarningAsError(string warningCode) => throw new NotSupportedException();

        public IReadOnlyDictionary<string, string> GetGlobalProperties() => throw new NotSupportedException();

        public void RegisterTaskObject(object key, object obj, RegisteredTaskObjectLifetime lifetime, bool allowEarlyCollection) => throw new NotSupportedException();

        public object GetRegisteredTaskObject(object key, RegisteredTaskObjectLifetime lifetime) => throw new NotSupportedException();

        public object UnregisterTaskObject(object key, RegisteredTaskObjectLifetime lifetime) => throw new NotSupportedException();

        public void Yield() => throw new NotSupportedException();

        public void Reacquire() => throw new NotSupportedException();

        public BuildEngineResult BuildProjectFilesInParallel(string[] projectFileNames, string[] targetNames, IDictionary[] globalProperties, IList<string>[] removeGlobalProperties, string[] toolsVersion, bool returnTargetOutputs) => throw new NotSupportedException();

        public bool BuildProjectFilesInParallel(string[] projectFileNames, string[] targetNames, IDictionary[] globalProperties, IDictionary[] targetOutputsPerProject, string[] toolsVersion, bool useResultsCache, bool unloadProjectsOnCompletion) => throw new NotSupportedException();

        public bool BuildProjectFile(string projectFileName, string[] targetNames, IDictionary globalProperties, IDictionary targetOutputs, string toolsVersion) => throw new NotSupportedException();

        public bool BuildProjectFile(string projectFileName, string[] targetNames, IDictionary globalProperties, IDictionary targetOutputs) => throw new NotSupportedException();
    }
}
