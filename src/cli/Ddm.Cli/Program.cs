using System.CommandLine;
using Ddm.Cli;

var root = new RootCommand("Decentralized diffusion models: train independent experts, draw from their ensemble.")
{
    InitCommand.Create(),
    ValidateCommand.Create(),
    PlanCommand.Create(),
    RunCommand.Create(),
    SampleCommand.Create(),
    ImportCommand.Create(),
    ExportCommand.Create(),
    ServeCommand.Create(),
    HostCommand.Create(),
    UpCommand.Create(),
    SubmitCommand.Create(),
    WatchCommand.Create(),
    StatusCommand.Create(),
    InspectCommand.Create(),
    EvalCommand.Create(),
    VaeCommand.Create(),
    MetricsCommand.Create(),
    EventsCommand.Create(),
    VerifyCommand.Create(),
    RemoveCommand.Create(),
    CollectCommand.Create(),
    SchemaCommand.Create(),
    TopologyCommand.Create(),
    WorkCommand.Create(),
    DoctorCommand.Create(),
};
foreach (var action in ActionCommands.Create())
{
    root.Add(action);
}

root.Add(CommonOptions.Home);
root.Add(CommonOptions.Blobs);
return await CommandHost.InvokeAsync(root, args);
