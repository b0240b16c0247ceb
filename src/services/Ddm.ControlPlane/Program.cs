using Ddm.Pages;
using Ddm.Services;
using DdmAspire.ServiceDefaults;

// Decides what every run does next, and takes runs in. Any number may stand by.
return await DdmHost.RunAsync(
    args,
    port: 5080,
    parts: ddm => ddm.AddControlPlane(),
    prepare: builder =>
    {
        builder.AddServiceDefaults(DdmTelemetry.Name, DdmTelemetry.MessagesName);
        builder.Services.AddDdmControlPlaneApi().AddDdmPages();
    },
    map: app =>
    {
        app.MapDefaultEndpoints();
        app.MapDdmControlPlane().MapDdmPages(PageSet.Runs);
    });
