using System.CommandLine;
using Ddm.Cli;

var root = new RootCommand("Decentralized diffusion models: train independent experts, draw from their ensemble.")
{
    RunCommand.Create(),
    SampleCommand.Create(),
    StatusCommand.Create(),
    InspectCommand.Create(),
    EvalCommand.Create(),
    DoctorCommand.Create(),
};
root.Add(CommonOptions.Home);
return await CommandHost.InvokeAsync(root, args);
